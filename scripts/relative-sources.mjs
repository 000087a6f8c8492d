// Names of sources in the workflow bundle without the folder that it was built in: that folder is nobody's business, would stand in
// the stacks of every report, and would make each build another one. Used by: build.mjs.

const MAP = /(\/\/# sourceMappingURL=data:application\/json;[^,]*base64,)([A-Za-z0-9+/=]+)/;

/** `code` has its source map inside; `root` is the folder, with a slash at its end. */
export function withRelativeSources(code, root) {
  return code.replace(MAP, (_, head, encoded) => {
    const map = Buffer.from(encoded, 'base64').toString().replaceAll(root, '');
    return head + Buffer.from(map).toString('base64');
  });
}
