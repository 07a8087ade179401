/** Told to clients in the connect reply; the same number as in package.json, which a test compares. */
export const version = '0.1.0 natter'
