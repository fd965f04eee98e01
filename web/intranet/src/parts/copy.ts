/** Puts text on the clipboard. The modern way needs a secure page, which http in a LAN is not: then the old way does it. */
export async function copyText(text: string): Promise<boolean> {
  if (window.isSecureContext && navigator.clipboard) {
    try {
      await navigator.clipboard.writeText(text);
      return true;
    } catch {
      // Refused by policy or by the person: the old way may still be allowed.
    }
  }
  const area = document.createElement('textarea');
  area.value = text;
  area.className = 'sr';
  area.readOnly = true;
  // Inside an open dialog everything else is inert, so the helper has to live there too.
  (document.querySelector('dialog[open]') ?? document.body).append(area);
  area.select();
  const done = document.execCommand('copy');
  area.remove();
  return done;
}
