import type { ErrorCode } from '@sgp/shared/errors';

/** What the command says. */
const ptBR = {
  usage: `npm run bundle -- export ARQUIVO   grava o que espera pela nuvem em um arquivo
npm run bundle -- import ARQUIVO   leva esse arquivo à nuvem (em um computador com internet), ou
                                   traz para a loja a confirmação que a nuvem devolveu
  --data PASTA                     pasta dos dados (padrão: .data)
  --mirror URL                     endereço da nuvem, onde não há uma loja registrada`,
  written: (path: string, changes: number, bytes: number) =>
    `${path}: ${changes} alterações, ${bytes} bytes. Elas continuam na fila até a confirmação voltar.`,
  more: 'Não coube tudo: traga a confirmação deste arquivo e gere outro.',
  sent: (path: string) => `A nuvem recebeu o arquivo. Leve a confirmação de volta à loja: ${path}`,
  settled: (settled: number, parked: number, pending: number) =>
    `Confirmadas: ${settled}. Separadas pela nuvem: ${parked}. Ainda na fila: ${pending}.`,
  noShop: (dir: string) =>
    `Não há uma loja registrada em ${dir}. Indique a pasta dos dados: npm run bundle -- … --data PASTA`,
  noMirror: 'Falta o endereço da nuvem: npm run bundle -- import ARQUIVO --mirror URL',
  unreachable: (url: string, why: string) =>
    `A nuvem em ${url} não respondeu (${why}). Nada foi alterado; tente de novo.`,
  notTheMirror: (status: number) => `A resposta (${status}) não é da nuvem SGP. Confira o endereço e a rede.`,
  noFile: (path: string, why: string) => `O arquivo ${path} não pode ser lido ou gravado (${why}).`,
  notAFile: (path: string) => `${path} não é um arquivo do SGP ou não está inteiro. Nada foi alterado.`,
  refused: (code: string, why: string) => `Recusado (${code}): ${why}`,
  codes: {
    BUNDLE_EMPTY: 'não há nada esperando; nenhum arquivo foi gravado.',
    BUNDLE_EXPIRED: 'o arquivo é velho demais ou foi feito com o relógio errado. Confira a data e gere outro.',
    BUNDLE_INVALID: 'o arquivo não está inteiro. Copie de novo ou gere outro; nada foi alterado.',
    BUNDLE_FOREIGN: 'o arquivo responde a um que não foi gerado aqui. Nada foi alterado.',
    BODY_TOO_LARGE: 'o arquivo é grande demais. Nada foi alterado.',
    SIG_INVALID: 'a assinatura não confere: o arquivo foi alterado ou é de outra loja. Nada foi alterado.',
    SIG_KEY_UNKNOWN: 'quem assinou não é conhecido aqui. Nada foi alterado.',
    DIGEST_MISMATCH: 'o conteúdo foi alterado no caminho. Nada foi alterado aqui; copie de novo.',
    NODE_SUPERSEDED: 'o arquivo é de uma cópia do disco, ou de antes de uma restauração. Gere outro.',
    NODE_BANNED: 'esta loja está bloqueada na nuvem. Guarde o arquivo e fale com o fornecedor.',
    RATE_LIMITED: 'a nuvem está ocupada com outro arquivo. Tente de novo em um minuto.',
    UNAVAILABLE: 'a nuvem não pode responder agora. Nada foi alterado; tente de novo em um minuto.',
    DISK_FULL: 'o disco está cheio.',
  } as Partial<Record<ErrorCode, string>>,
};

const en: typeof ptBR = {
  usage: `npm run bundle -- export FILE   writes what waits for the cloud into a file
npm run bundle -- import FILE   brings that file to the cloud (on a computer with Internet), or
                                brings the acknowledgement that the cloud gave back into the shop
  --data FOLDER                 data folder (default: .data)
  --mirror URL                  address of the cloud, where no shop is enrolled`,
  written: (path, changes, bytes) =>
    `${path}: ${changes} changes, ${bytes} bytes. They stay in the queue until the acknowledgement comes back.`,
  more: 'Not everything fitted: bring the acknowledgement of this file and write another.',
  sent: (path) => `The cloud took the file. Bring the acknowledgement back to the shop: ${path}`,
  settled: (settled, parked, pending) =>
    `Settled: ${settled}. Set aside by the cloud: ${parked}. Still waiting: ${pending}.`,
  noShop: (dir) => `No shop is enrolled in ${dir}. Name the data folder: npm run bundle -- … --data FOLDER`,
  noMirror: 'The address of the cloud is missing: npm run bundle -- import FILE --mirror URL',
  unreachable: (url, why) => `The cloud at ${url} did not answer (${why}). Nothing was changed; try again.`,
  notTheMirror: (status) => `The answer (${status}) is not the SGP cloud's. Check the address and the network.`,
  noFile: (path, why) => `The file ${path} cannot be read or written (${why}).`,
  notAFile: (path) => `${path} is no file of SGP or not whole. Nothing was changed.`,
  refused: (code, why) => `Refused (${code}): ${why}`,
  codes: {
    BUNDLE_EMPTY: 'nothing waits; no file was written.',
    BUNDLE_EXPIRED: 'the file is too old or was made under a wrong clock. Check the date and make another.',
    BUNDLE_INVALID: 'the file is not whole. Copy it again or make another; nothing was changed.',
    BUNDLE_FOREIGN: 'the file answers one that was not made here. Nothing was changed.',
    BODY_TOO_LARGE: 'the file is too large. Nothing was changed.',
    SIG_INVALID: 'the signature is wrong: the file was changed or is of another shop. Nothing was changed.',
    SIG_KEY_UNKNOWN: 'who signed is not known here. Nothing was changed.',
    DIGEST_MISMATCH: 'the content was changed on the way. Nothing was changed here; copy it again.',
    NODE_SUPERSEDED: 'the file is of a copy of the disk, or from before a restore. Make another.',
    NODE_BANNED: 'this shop is banned at the cloud. Keep the file and talk to the vendor.',
    RATE_LIMITED: 'the cloud is busy with another file. Try again in a minute.',
    UNAVAILABLE: 'the cloud cannot answer now. Nothing was changed; try again in a minute.',
    DISK_FULL: 'the disk is full.',
  },
};

export type CliTexts = typeof ptBR;
/** @param language that of the system, as LANG names it: pt-BR unless it is English */
export const cliTextsFor = (language: string): CliTexts => (/^en\b|^en_/i.test(language) ? en : ptBR);
