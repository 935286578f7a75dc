// What the pages that the server carries may do in a browser: nothing with other origins.

const COMMON = [
  "default-src 'none'",
  "base-uri 'none'",
  "font-src 'self'",
  "frame-ancestors 'none'",
  "manifest-src 'self'",
  "style-src 'self'",
];

function policy(own: readonly string[]): string {
  return [...COMMON, ...own].join('; ');
}

/** The chat page opens WebSockets at the addresses given, and has WebAssembly for its database. */
export function chatPolicy(webSockets: readonly string[]): string {
  return policy([
    ["connect-src 'self'", ...webSockets].join(' '),
    "form-action 'self'",
    "img-src 'self' blob: data:",
    "media-src 'self' blob:",
    "script-src 'self' 'wasm-unsafe-eval'",
    "worker-src 'self'",
  ]);
}

/** The dashboard asks the interface that it came from, and nobody else. */
export function dashboardPolicy(): string {
  return policy([
    "connect-src 'self'",
    "form-action 'none'",
    "img-src 'self' data:",
    "script-src 'self'",
  ]);
}
