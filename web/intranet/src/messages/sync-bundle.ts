import type { Translation } from '@sgp/ui/i18n';
import { plural } from '@sgp/ui/i18n';

/** What waits carried by hand: the file, the three steps, the acknowledgement. */
export const syncBundlePtBR = {
  title: 'Levar por arquivo',
  text: 'Para quando a internet vai demorar a voltar: o que espera vai em um arquivo, no pendrive ou no celular.',
  waiting: (count: number, formatted: string) =>
    count === 0
      ? 'nada esperando'
      : plural('pt-BR', count, { one: `${formatted} alteração esperando`, other: `${formatted} alterações esperando` }),
  make: 'Gerar o arquivo.',
  makeText: 'Ele leva uma cópia: tudo continua na fila até a confirmação voltar.',
  makeButton: 'Gerar arquivo',
  making: 'Gerando…',
  made: 'Arquivo gerado',
  makeFailed: 'O arquivo não foi gerado',
  carry: 'Levar a um computador com internet.',
  carryText: 'Com o SGP instalado nele, este comando entrega o arquivo e grava a confirmação ao lado:',
  bringBack: 'Trazer a confirmação de volta.',
  bringBackText: 'Só o que a nuvem confirmou sai da fila. Trazer a mesma duas vezes não faz mal.',
  bringBackButton: 'Escolher a confirmação',
  taking: 'Conferindo…',
  taken: 'Confirmação recebida',
  takeFailed: 'A confirmação não foi aceita',
  last: 'Último arquivo',
  lastText: (changes: number, formatted: string, size: string, when: string) =>
    `${plural('pt-BR', changes, { one: `${formatted} alteração`, other: `${formatted} alterações` })}, ${size}, ${when}`,
  partial: 'Não coube tudo: traga esta confirmação e gere outro.',
  awaits: 'falta a confirmação',
  confirmed: 'confirmado',
  outcome: (settled: string, parked: string, pending: string) =>
    `Confirmadas: ${settled} · Separadas: ${parked} · Ainda na fila: ${pending}`,
  download: 'Baixar de novo',
};

export const syncBundleEn: Translation<typeof syncBundlePtBR> = {
  title: 'Carry by file',
  text: 'For when the internet will take long to come back: what waits goes in a file, on a USB stick or a phone.',
  waiting: (count, formatted) =>
    count === 0
      ? 'nothing waits'
      : plural('en', count, { one: `${formatted} change waits`, other: `${formatted} changes wait` }),
  make: 'Make the file.',
  makeText: 'It carries a copy: all stays in the queue until the confirmation comes back.',
  makeButton: 'Make the file',
  making: 'Making it…',
  made: 'File made',
  makeFailed: 'The file was not made',
  carry: 'Carry it to a computer with internet.',
  carryText: 'With SGP installed there, this command delivers the file and writes the confirmation beside it:',
  bringBack: 'Bring the confirmation back.',
  bringBackText: 'Only what the cloud confirmed leaves the queue. Bringing the same one twice does no harm.',
  bringBackButton: 'Choose the confirmation',
  taking: 'Checking…',
  taken: 'Confirmation taken in',
  takeFailed: 'The confirmation was not accepted',
  last: 'Last file',
  lastText: (changes, formatted, size, when) =>
    `${plural('en', changes, { one: `${formatted} change`, other: `${formatted} changes` })}, ${size}, ${when}`,
  partial: 'Not everything fitted: bring this confirmation and make another file.',
  awaits: 'confirmation missing',
  confirmed: 'confirmed',
  outcome: (settled, parked, pending) => `Confirmed: ${settled} · Set aside: ${parked} · Still waiting: ${pending}`,
  download: 'Download again',
};
