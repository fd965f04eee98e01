/** E.164 (`+5511993698430`): a number without a country is a Brazilian one, DDD and 8 or 9 digits. */
export function toE164(phone: string): string {
  const digits = phone.replaceAll(/\D/g, '');
  if (phone.trim().startsWith('+')) return `+${digits}`;
  const local = digits.replace(/^0+/, '');
  return local.length === 10 || local.length === 11 ? `+55${local}` : `+${local}`;
}
