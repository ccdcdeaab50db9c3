/** The version in the headers of emitted modules; the same as package.json's, which a browser cannot read. */
export const VERSION = "0.1.0";
