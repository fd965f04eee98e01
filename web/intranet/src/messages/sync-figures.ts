import type { Translation } from '@sgp/ui/i18n';
import { plural } from '@sgp/ui/i18n';

/** Both directions, the computer, and what was decided: the parts of the sync page below its first sentence. */
export const syncFiguresPtBR = {
  ways: 'Nas duas direções',
  up: 'Para a nuvem',
  upText: (count: number, formatted: string) =>
    count === 0
      ? 'nada esperando'
      : plural('pt-BR', count, { one: `${formatted} alteração esperando`, other: `${formatted} alterações esperando` }),
  since: (text: string, when: string) => `${text}, desde ${when}`,
  down: 'Da nuvem',
  downText: (count: number, formatted: string) =>
    count === 0
      ? 'nada esperando'
      : plural('pt-BR', count, {
          one: `${formatted} alteração por chegar`,
          other: `${formatted} alterações por chegar`,
        }),
  downUnknown: 'não se sabe agora',
  toReceive: (count: string) => `${count} a receber`,
  lastAnswer: 'Última resposta da nuvem',
  never: 'nunca',
  position: 'Recebido até',
  positionValue: (cursor: string, head: string | null) => (head === null ? `nº ${cursor}` : `nº ${cursor} de ${head}`),
  problem: 'O que impede de receber',
  versions: 'Versões',
  versionsValue: (shop: string, cloud: string | null) =>
    cloud === null ? `loja ${shop} · nuvem ainda não disse` : `loja ${shop} · nuvem ${cloud}`,
  backup: 'Último backup',
  backupNever: 'nenhum registrado',
  shed: 'Deixados de fora',
  shedValue: (count: number, formatted: string) =>
    plural('pt-BR', count, {
      one: `${formatted} resumo de máquina, por falta de disco`,
      other: `${formatted} resumos de máquina, por falta de disco`,
    }),
  photosOf: (done: string, total: string) => `fotos ${done}/${total}`,
  photosLeft: (count: number, formatted: string) =>
    plural('pt-BR', count, { one: `${formatted} foto`, other: `${formatted} fotos` }),
  receiptText: (when: string) => `Conferência completa ${when}: loja e nuvem iguais.`,
  parkedDownTitle: (count: number) =>
    plural('pt-BR', count, {
      one: '1 alteração da nuvem que não coube aqui',
      other: `${count} alterações da nuvem que não couberam aqui`,
    }),
  parkedDownText: 'Resolva a causa na loja e tente de novo. O resto continua chegando.',
  downStream: {
    blocks: 'Bloqueio',
    users: 'Pessoa',
    catalogue: 'Item do catálogo',
    transfers: 'Transferência',
    conflicts: 'Conflito',
  },
  downWhy: {
    ALREADY_EXISTS: 'Outra pessoa da loja já usa este login, ou a loja já tem gente demais.',
    SCOPE_MISSING: 'Tiraria da loja a última pessoa dona que pode entrar.',
    BODY_INVALID: 'Esta versão do programa não entende o conteúdo.',
    TENANT_MISMATCH: 'Não é desta loja.',
    VERSION_CONFLICT: 'Não combina com o que já chegou.',
    DIGEST_MISMATCH: 'O conteúdo não confere com a assinatura.',
  },
  applied: 'Aplicada',
  stillNot: 'Ainda não cabe',
  decidedTitle: 'Conflitos decididos',
  decidedColumns: { what: 'O quê', stands: 'Vale', lost: 'Não vale', decision: 'Decisão', who: 'Quem', when: 'Quando' },
  resolution: { kept: 'mantido', restored: 'restaurada a outra' },
  byItself: 'sem precisar de ninguém',
  twice: (field: string) => `${field}, escrito duas vezes`,
  values: {
    fields: {
      name: 'nome',
      unit: 'unidade',
      priceCents: 'preço',
      active: 'em uso',
      minimum: 'estoque mínimo',
      place: 'lugar',
      leadDays: 'prazo em dias',
      blocked: 'bloqueado',
      reason: 'motivo',
      subject: 'o que é',
      version: 'versão',
    },
    yes: 'sim',
    no: 'não',
  },
  setAside: (count: number) =>
    plural('pt-BR', count, {
      one: '1 alteração separada precisa de você',
      other: `${count} alterações separadas precisam de você`,
    }),
  setAsideText: 'O resto segue sozinho; nada foi apagado.',
  cause: {
    NETWORK: 'sem internet ou nuvem fora',
    STOPPED: 'computador ou envio desligado',
    other: 'envio recusado pela nuvem',
  },
  compared: (when: string) => `conferido ${when}`,
  resent: (count: string) => `${count} enviadas de novo`,
};

export const syncFiguresEn: Translation<typeof syncFiguresPtBR> = {
  ways: 'In both directions',
  up: 'To the cloud',
  upText: (count, formatted) =>
    count === 0
      ? 'nothing waits'
      : plural('en', count, { one: `${formatted} change waits`, other: `${formatted} changes wait` }),
  since: (text, when) => `${text}, since ${when}`,
  down: 'From the cloud',
  downText: (count, formatted) =>
    count === 0
      ? 'nothing waits'
      : plural('en', count, { one: `${formatted} change to come`, other: `${formatted} changes to come` }),
  downUnknown: 'not known now',
  toReceive: (count) => `${count} to receive`,
  lastAnswer: 'Last answer of the cloud',
  never: 'never',
  position: 'Received up to',
  positionValue: (cursor, head) => (head === null ? `no. ${cursor}` : `no. ${cursor} of ${head}`),
  problem: 'What keeps it from coming',
  versions: 'Versions',
  versionsValue: (shop, cloud) =>
    cloud === null ? `shop ${shop} · cloud did not say yet` : `shop ${shop} · cloud ${cloud}`,
  backup: 'Last backup',
  backupNever: 'none on record',
  shed: 'Left out',
  shedValue: (count, formatted) =>
    plural('en', count, {
      one: `${formatted} machine summary, for lack of disk`,
      other: `${formatted} machine summaries, for lack of disk`,
    }),
  photosOf: (done, total) => `photos ${done}/${total}`,
  photosLeft: (count, formatted) => plural('en', count, { one: `${formatted} photo`, other: `${formatted} photos` }),
  receiptText: (when) => `Compared as a whole ${when}: shop and cloud are equal.`,
  parkedDownTitle: (count) =>
    plural('en', count, {
      one: '1 change of the cloud did not fit here',
      other: `${count} changes of the cloud did not fit here`,
    }),
  parkedDownText: 'Solve the cause in the shop and try again. The rest goes on coming.',
  downStream: {
    blocks: 'Block',
    users: 'Person',
    catalogue: 'Catalogue item',
    transfers: 'Transfer',
    conflicts: 'Conflict',
  },
  downWhy: {
    ALREADY_EXISTS: 'Somebody else of the shop has this login, or the shop has too many people.',
    SCOPE_MISSING: 'It would take the last owner who can sign in from the shop.',
    BODY_INVALID: 'This version of the program does not understand the content.',
    TENANT_MISMATCH: 'It is not of this shop.',
    VERSION_CONFLICT: 'It does not go together with what came before.',
    DIGEST_MISMATCH: 'The content is not the one that was signed.',
  },
  applied: 'Applied',
  stillNot: 'It still does not fit',
  decidedTitle: 'Decided conflicts',
  decidedColumns: { what: 'What', stands: 'Stands', lost: 'Does not', decision: 'Decision', who: 'Who', when: 'When' },
  resolution: { kept: 'kept', restored: 'the other one restored' },
  byItself: 'settled by itself',
  twice: (field) => `${field}, written twice`,
  values: {
    fields: {
      name: 'name',
      unit: 'unit',
      priceCents: 'price',
      active: 'in use',
      minimum: 'least stock',
      place: 'place',
      leadDays: 'lead time in days',
      blocked: 'blocked',
      reason: 'reason',
      subject: 'what it is',
      version: 'version',
    },
    yes: 'yes',
    no: 'no',
  },
  setAside: (count) =>
    plural('en', count, { one: '1 change set aside needs you', other: `${count} changes set aside need you` }),
  setAsideText: 'The rest goes on by itself; nothing was deleted.',
  cause: {
    NETWORK: 'no internet, or the cloud was away',
    STOPPED: 'computer or sending service off',
    other: 'the cloud refused to take it',
  },
  compared: (when) => `compared ${when}`,
  resent: (count) => `${count} sent again`,
};
