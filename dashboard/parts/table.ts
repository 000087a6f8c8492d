/** A table with headers that screen readers tell, and that scrolls by itself where the screen is narrow. */
import { html, type Html } from '../html.ts';

export interface Column<Row> {
  readonly name: string;
  readonly cell: (row: Row) => Html | string | number;
  readonly isNumber?: boolean;
  /** Long texts get room. */
  readonly isWide?: boolean;
}

/** @param caption says what the rows are; the first column names the row. */
export function table<Row>(
  caption: string,
  rows: readonly Row[],
  columns: readonly Column<Row>[],
  none = 'None.',
): Html {
  if (rows.length === 0) return html`<p class="dim">${none}</p>`;
  return html`<div class="scroll" tabindex="0" role="region" aria-label="${caption}">
    <table>
      <caption>
        ${caption}
      </caption>
      <thead>
        <tr>
          ${columns.map(({ name, isNumber }) => html`<th scope="col" ${isNumber && html`class="number"`}>${name}</th>`)}
        </tr>
      </thead>
      <tbody>
        ${rows.map(
          (row) =>
            html`<tr>
              ${columns.map(({ cell, isNumber, isWide }, index) => {
                const look = (isNumber && html`class="number"`) || (isWide && html`class="wide"`);
                return index === 0
                  ? html`<th scope="row" ${look}>${cell(row)}</th>`
                  : html`<td ${look}>${cell(row)}</td>`;
              })}
            </tr>`,
        )}
      </tbody>
    </table>
  </div>`;
}
