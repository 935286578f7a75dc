// Makes a picture of oneself out of whatever file was picked: square, small, and without what
// cameras write into their files (places, times).

const SIDES_PX = [320, 256, 192, 128] as const;
const QUALITIES = [0.9, 0.8, 0.7, 0.6] as const;
/** The server takes 65,536 bytes, as part of a vCard that has room for more. */
const MAX_BYTES = 60_000;
const MAX_FILE_BYTES = 50 * 1024 * 1024;

async function decoded(file: Blob): Promise<ImageBitmap> {
  if (file.size > MAX_FILE_BYTES) throw new Error('This file is too large for a picture.');
  try {
    return await createImageBitmap(file);
  } catch {
    // Why is not told by browsers.
    throw new Error('This file is not a picture that this browser can read.');
  }
}

/** The middle of the picture, as a square of that side. */
function drawn(image: ImageBitmap, side: number): HTMLCanvasElement {
  const canvas = document.createElement('canvas');
  canvas.width = side;
  canvas.height = side;
  const context = canvas.getContext('2d');
  if (context === null) throw new Error('This browser cannot draw.');
  // JPEG has no transparency: what is behind shows as white rather than black.
  context.fillStyle = '#fff';
  context.fillRect(0, 0, side, side);
  context.imageSmoothingQuality = 'high';
  const part = Math.min(image.width, image.height);
  const left = (image.width - part) / 2;
  const top = (image.height - part) / 2;
  context.drawImage(image, left, top, part, part, 0, 0, side, side);
  return canvas;
}

function jpegOf(canvas: HTMLCanvasElement, quality: number): Promise<Blob> {
  return new Promise((resolve, reject) => {
    canvas.toBlob(
      (blob) => {
        if (blob === null) reject(new Error('This browser cannot write JPEG.'));
        else resolve(blob);
      },
      'image/jpeg',
      quality,
    );
  });
}

/** A JPEG that the server takes. Throws what people can be shown. */
export async function shrunk(file: Blob): Promise<Uint8Array> {
  const image = await decoded(file);
  try {
    for (const side of SIDES_PX) {
      const canvas = drawn(image, side);
      for (const quality of QUALITIES) {
        const jpeg = await jpegOf(canvas, quality);
        if (jpeg.size <= MAX_BYTES) return new Uint8Array(await jpeg.arrayBuffer());
      }
    }
  } finally {
    image.close();
  }
  throw new Error('This picture cannot be made small enough.');
}
