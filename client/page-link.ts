/** The way from Temporal's Web UI to the dashboard, as the details of a workflow. Used by: `start-workflow.ts`. */

/**
 * @returns undefined where none is given.
 * @throws TypeError when it is no address that a browser can open.
 */
export function pageAddress(address: string | undefined): string | undefined {
  if (!address) return undefined;
  if (!/^https?:$/.test(URL.canParse(address) ? new URL(address).protocol : ''))
    throw new TypeError(
      `\`dashboardUrl\` (SLUICE_DASHBOARD_URL) is ${JSON.stringify(address)}; it must be an address such as https://admin.example/sluice.`,
    );
  return address.replace(/\/+$/, '');
}

/** Markdown, which the Web UI shows. The page finds the newest run by the workflow's id. */
export function pageLink(pageUrl: string, workflowId: string): string {
  // A name with a bracket must not end the address.
  const query = encodeURIComponent(workflowId).replaceAll('(', '%28').replaceAll(')', '%29');
  return `[Sluice's page of it](${pageUrl}/search?q=${query})`;
}
