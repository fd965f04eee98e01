/** The part of a shop that a customer can reach it by. */
export type ShopContact = { readonly name: string; readonly phone: string; readonly whatsapp?: string | undefined };

/** `https://wa.me/55…`: digits only, no plus; the customer presses send. A number without country gets Brazil's. */
export function whatsappHref(shop: ShopContact, text: string): string | null {
  const number = international(shop.whatsapp ?? '');
  return number === null ? null : `https://wa.me/${number}?text=${encodeURIComponent(text)}`;
}

export function phoneHref(shop: ShopContact): string | null {
  const number = international(shop.phone);
  return number === null ? null : `tel:+${number}`;
}

function international(phone: string): string | null {
  const digits = phone.replace(/\D/g, '');
  if (digits.length < 8) return null;
  return digits.length <= 11 ? `55${digits}` : digits;
}
