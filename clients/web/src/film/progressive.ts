/**
 * Large pictures come as HTJ2K, coarse first: over 30 Mbit/s a mammogram is there in a tenth of a
 * second, and exact four seconds later. Nothing is lost: the last byte makes it what is stored.
 */

import { metaData, registerImageLoader, utilities } from "@cornerstonejs/core";
import { wadors } from "@cornerstonejs/dicom-image-loader";

import { number, TAG, text, type DicomJson } from "./tags";

const LARGE_POINTS = 2_000_000; // smaller ones arrive as soon whole
const ACCEPT = "application/octet-stream; transfer-syntax=1.2.840.10008.1.2.4.202";
const FIRST_BYTES = 256 * 1024; // a picture of an eighth of the points each way
const NEXT_BYTES = 1024 * 1024;
const PAUSE_MS = 10_000; // between decodings at full size: they hold up the last one

const urlArguments = new URLSearchParams({ accept: ACCEPT }).toString();
const WHOLE = { urlArguments };
const COARSE_FIRST = {
  stages: [{ id: "coarse-first", retrieveType: "single" }],
  retrieveOptions: {
    single: {
      streaming: true,
      urlArguments,
      initialChunkSize: FIRST_BYTES,
      chunkSize: NEXT_BYTES,
      msBetweenDecode: PAUSE_MS,
    },
  },
};

/** Whether the server makes HTJ2K of such a picture, and it is worth it. */
export function comesCoarseFirst(data: DicomJson): boolean {
  const points = (number(data, TAG.Rows) ?? 0) * (number(data, TAG.Columns) ?? 0);
  const bits = number(data, TAG.BitsAllocated);
  const grey = ["MONOCHROME1", "MONOCHROME2"].includes(text(data, TAG.PhotometricInterpretation));
  return points >= LARGE_POINTS && grey && (bits === 8 || bits === 16);
}

/** Tells Cornerstone how to get a picture that opens a stack. */
export function loadCoarseFirst(imageId: string, data: DicomJson): void {
  if (comesCoarseFirst(data)) utilities.imageRetrieveMetadataProvider.add(imageId, COARSE_FIRST);
}

/** Without WebGL, and ahead of time, Cornerstone asks for pictures whole: as HTJ2K all the same. */
export function loadCompressed(): void {
  const { IMAGE_RETRIEVE_CONFIGURATION } = utilities.imageRetrieveMetadataProvider;
  registerImageLoader("wadors", (imageId, options) =>
    wadors.loadImage(
      imageId,
      metaData.get(IMAGE_RETRIEVE_CONFIGURATION, imageId, "stack")
        ? { retrieveOptions: WHOLE, ...options }
        : options,
    ),
  );
}
