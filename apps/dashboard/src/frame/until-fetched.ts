/** How long after a part of the page could not be fetched it is asked for again. */
const AGAIN_AFTER_MS = 1_000;

/**
 * Fetches a part of the frame itself, over and over until it comes. Such a part has no box of its own that could say
 * that it is missing: where the hub is gone while it is fetched, the frame must not fall with it.
 */
export async function untilFetched<Part>(fetchPart: () => Promise<Part>): Promise<Part> {
  for (;;) {
    try {
      return await fetchPart();
    } catch {
      await new Promise((resolve) => setTimeout(resolve, AGAIN_AFTER_MS));
    }
  }
}
