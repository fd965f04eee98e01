import type { AlertSettings } from '@sgp/shared/api/company';

/** What a message has to tell. Times in ms. */
export type AlertFacts = {
  readonly kind: 'alert' | 'recovery';
  readonly name: string;
  readonly startedAt: number;
  readonly endedAt: number | null;
};
type Texts = { readonly subject: string; readonly text: string };
type Written = { readonly name: string; readonly from: string; readonly until: string; readonly duration: string };

/** A missing language or kind does not compile. */
const texts: {
  readonly [L in AlertSettings['language']]: { readonly [K in AlertFacts['kind']]: (of: Written) => Texts };
} = {
  'pt-BR': {
    alert: ({ name, from }) => ({
      subject: `Sem contato com ${name} desde ${from}`,
      text: `A nuvem está sem contato com ${name} desde ${from}.\n\nA produção na loja continua normal: o que for feito lá fica guardado e chega quando a conexão voltar. Se a loja está aberta, verifique a internet e o computador do SGP.\n\nVocê recebe mais um aviso quando o contato voltar.\n`,
    }),
    recovery: ({ name, from, until, duration }) => ({
      subject: `${name} voltou: contato restabelecido`,
      text: `O contato com ${name} voltou em ${until}.\n\nFicou sem contato desde ${from}, por ${duration}. O que foi feito na loja nesse tempo está sendo enviado.\n`,
    }),
  },
  en: {
    alert: ({ name, from }) => ({
      subject: `No contact with ${name} since ${from}`,
      text: `The cloud has had no contact with ${name} since ${from}.\n\nProduction in the shop goes on: what is done there is kept and arrives when the connection is back. If the shop is open, check its Internet connection and the SGP computer.\n\nYou get one more message when contact is back.\n`,
    }),
    recovery: ({ name, from, until, duration }) => ({
      subject: `${name} is back: contact restored`,
      text: `Contact with ${name} was restored at ${until}.\n\nThere had been none since ${from}, for ${duration}. What was done in the shop meanwhile is being sent.\n`,
    }),
  },
};

export function alertTexts(
  { kind, name, startedAt, endedAt }: AlertFacts,
  { language, timeZone }: Pick<AlertSettings, 'language' | 'timeZone'>,
): Texts {
  const format = new Intl.DateTimeFormat(language === 'en' ? 'en-GB' : language, {
    ...{ dateStyle: 'short', timeStyle: 'short', timeZone },
  });
  const write = (at: number): string => format.format(at).replaceAll('\u202f', ' ');
  const until = endedAt ?? startedAt;
  return texts[language][kind]({
    ...{ name, from: write(startedAt), until: write(until), duration: durationOf(until - startedAt) },
  });
}

/** Hours and minutes: `2 h 05 min`. */
function durationOf(ms: number): string {
  const minutes = Math.max(1, Math.round(ms / 60_000));
  const hours = Math.floor(minutes / 60);
  return hours === 0 ? `${minutes} min` : `${hours} h ${String(minutes % 60).padStart(2, '0')} min`;
}
