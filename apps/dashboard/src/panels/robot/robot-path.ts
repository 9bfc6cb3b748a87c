/** The page of a robot. */
export const robotPath = (id: string): string => `/robot/${encodeURIComponent(id)}`;
