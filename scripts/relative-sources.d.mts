export function withRelativeSources(code: string, root: string): string;
