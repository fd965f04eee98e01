/** Letters and digits alone, upper case: how a CPF or CNPJ is stored. */
export const plainTaxId = (taxId: string): string => taxId.toUpperCase().replaceAll(/[^0-9A-Z]/g, '');

/** A letter's value is its ASCII code less 48, so that `A` is 17 (Receita Federal, IN RFB 2.229/2024); a digit's is its own. */
const valueAt = (text: string, index: number): number => text.charCodeAt(index) - 48;

/** Check digit, modulo 11, with the weights 2, 3, 4 … up to `weightMax` and around again, from the right. */
function checkDigit(text: string, weightMax: number): number {
  let sum = 0;
  for (let index = 0; index < text.length; index++) {
    const fromRight = text.length - 1 - index;
    sum += valueAt(text, index) * (2 + (fromRight % (weightMax - 1)));
  }
  const rest = sum % 11;
  return rest < 2 ? 0 : 11 - rest;
}

/** Is it a CPF, or a CNPJ with or without letters, with right check digits? Takes the plain form. */
export function isTaxId(plain: string): boolean {
  const cpf = /^\d{11}$/.test(plain);
  if (!cpf && !/^[0-9A-Z]{12}\d{2}$/.test(plain)) return false;
  if (new Set(plain).size === 1) return false;
  const weightMax = cpf ? 11 : 9;
  const body = plain.slice(0, -2);
  const first = checkDigit(body, weightMax);
  const second = checkDigit(`${body}${first}`, weightMax);
  return plain.endsWith(`${first}${second}`);
}
