import AxeBuilder from '@axe-core/playwright';
import type { Page } from 'playwright-core';

// What runs in the page is text: this project knows Node's names and not a browser's.

/** Serious and critical findings of axe, one line each. */
export async function axeProblems(page: Page): Promise<readonly string[]> {
  // These pages have no frames: the plain way needs no page of its own to gather their results, and only violations count.
  const { violations } = await new AxeBuilder({ page })
    .setLegacyMode(true)
    .options({ resultTypes: ['violations'] })
    .analyze();
  return violations
    .filter(({ impact }) => impact === 'serious' || impact === 'critical')
    .map(({ id, nodes }) => `${id}: ${nodes.map(({ html }) => html).join(' ')}`);
}

/** How far the page can be scrolled sideways, in CSS pixels. */
export const overflowPx = (page: Page): Promise<number> =>
  page.evaluate('document.documentElement.scrollWidth - innerWidth');
