export class NatterError extends Error {}
//# sourceMappingURL=index.js.map
