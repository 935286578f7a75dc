// Drawings: the rook, and the marks of how things are, whose shapes say it without their colours.

import type { ComponentChildren } from 'preact';
import type { Level } from '../../operations/view/level.js';

function Drawing({ name, children }: { name: string; children: ComponentChildren }) {
  return (
    <svg class={`drawing ${name}`} viewBox="0 0 24 24" aria-hidden="true">
      {children}
    </svg>
  );
}

/** A tick in a circle, a triangle, a cross in an octagon. */
export function LevelMark({ level }: { level: Level }) {
  switch (level) {
    case 'well':
      return (
        <Drawing name="mark well">
          <circle cx="12" cy="12" r="10" class="solid" />
          <path d="M7.5 12.4l3.1 3.1 6-6.6" class="cut" />
        </Drawing>
      );
    case 'busy':
      return (
        <Drawing name="mark busy">
          <path d="M12 2.6l10.4 18.6H1.6z" class="solid round" />
          <path d="M12 9.4v5.4M12 18v.2" class="cut" />
        </Drawing>
      );
    case 'bad':
      return (
        <Drawing name="mark bad">
          <path d="M7.9 2h8.2L22 7.9v8.2L16.1 22H7.9L2 16.1V7.9z" class="solid" />
          <path d="M8.4 8.4l7.2 7.2M15.6 8.4l-7.2 7.2" class="cut" />
        </Drawing>
      );
  }
}

const WORDS: Readonly<Record<Level, string>> = { well: 'well', busy: 'busy', bad: 'bad' };

/** The mark with a word for screen readers. */
export function SpokenMark({ level }: { level: Level }) {
  return (
    <>
      <LevelMark level={level} />
      <span class="spoken">{WORDS[level]}</span>
    </>
  );
}

export function Rook() {
  return (
    <svg class="rook" viewBox="0 0 32 32" aria-hidden="true">
      <rect width="32" height="32" rx="8" class="ground" />
      <path d="M6 20c4-9 10-12 17-11l4 2-4 1c0 7-5 11-11 11l-4 3z" class="bird" />
      <circle cx="21" cy="11.5" r="1.1" class="eye" />
    </svg>
  );
}

export function SearchIcon() {
  return (
    <Drawing name="line">
      <circle cx="10.5" cy="10.5" r="6.5" />
      <path d="M15.5 15.5L21 21" />
    </Drawing>
  );
}

export function CloseIcon() {
  return (
    <Drawing name="line">
      <path d="M6 6l12 12M18 6L6 18" />
    </Drawing>
  );
}

export function PauseIcon() {
  return (
    <Drawing name="line">
      <path d="M8.5 5v14M15.5 5v14" />
    </Drawing>
  );
}

export function PlayIcon() {
  return (
    <Drawing name="line">
      <path d="M8 5l11 7-11 7z" />
    </Drawing>
  );
}
