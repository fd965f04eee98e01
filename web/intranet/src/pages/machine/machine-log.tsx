import type { LogLine } from '@sgp/shared/api/machines';
import { Icon } from '@sgp/ui/icon.tsx';
import type { IconName } from '@sgp/ui/icon-names';
import { useEffect, useState } from 'preact/hooks';
import type { LogPage } from '../../api.ts';
import { useApp } from '../../app-context.ts';
import { logSentence } from '../../logic/machine-log.ts';
import { useErrorText } from '../../parts/failure.tsx';

const PAGE_LINES = 40;
const TYPING_PAUSE_MS = 200;
type Level = 'all' | 'warn' | 'error';

/** What the machine said, newest first; new lines come in at the top as they happen. */
export function MachineLog({ machineId }: { readonly machineId: string }) {
  const { api, live, t } = useApp();
  const { machines: words } = t.value;
  const [page, setPage] = useState<LogPage | null>(null);
  const [level, setLevel] = useState<Level>('all');
  const [text, setText] = useState('');
  const [search, setSearch] = useState('');
  const query = { q: search, ...(level === 'all' ? {} : { level }) };

  useEffect(() => {
    const timer = setTimeout(() => setSearch(text.trim()), TYPING_PAUSE_MS);
    return () => clearTimeout(timer);
  }, [text]);

  useEffect(() => {
    let isHere = true;
    const read = () => {
      api.machineLog(machineId, { ...query, limit: PAGE_LINES }).then(
        (answer) => {
          if (isHere) setPage(answer);
        },
        () => undefined,
      );
    };
    read();
    const stopReconnect = live.onReconnect(read);
    const stopListen = live.listen((name, data) => {
      if (name !== 'machine.log') return;
      const news = data as { readonly machineId: string; readonly lines: readonly LogLine[] };
      if (news.machineId !== machineId) return;
      // A filtered list is the server's to make; the open one takes the news as they are.
      if (level !== 'all' || search !== '') read();
      else setPage((before) => (before === null ? before : { ...before, lines: mergeLines(news.lines, before.lines) }));
    });
    return () => {
      isHere = false;
      stopReconnect();
      stopListen();
    };
  }, [machineId, level, search]);

  const more = async () => {
    if (!page?.nextBefore) return;
    const next = await api.machineLog(machineId, { ...query, limit: PAGE_LINES, before: page.nextBefore });
    setPage({ lines: [...page.lines, ...next.lines], nextBefore: next.nextBefore });
  };
  return (
    <section class="panel" aria-labelledby="registro">
      <header>
        <h2 id="registro">{words.log}</h2>
        <a class="btn small quiet push" href={api.machineLogCsvUrl(machineId, query)} download>
          <Icon name="baixar" size="sm" />
          {words.logCsv}
        </a>
        <div class="log-filter">
          <div class="input">
            <Icon name="busca" size="sm" />
            <input
              type="search"
              aria-label={words.logFilter}
              placeholder={words.logSearch}
              value={text}
              onInput={(event) => setText(event.currentTarget.value)}
            />
          </div>
          <fieldset class="seg" aria-label={words.logFilter}>
            {(['all', 'warn', 'error'] as const).map((one) => (
              <button key={one} type="button" aria-pressed={level === one} onClick={() => setLevel(one)}>
                {words.logLevels[one]}
              </button>
            ))}
          </fieldset>
        </div>
      </header>
      {page === null ? (
        <div class="plot-place" aria-busy="true" />
      ) : page.lines.length === 0 ? (
        <p class="in muted t14">{level === 'all' && search === '' ? words.logEmpty : words.logEmptyFilter}</p>
      ) : (
        // biome-ignore lint/a11y/noNoninteractiveTabindex: a region that scrolls has to be reachable by keyboard
        <section class="table plain tall" tabIndex={0} aria-label={words.logWhat}>
          <table class="log">
            <thead>
              <tr>
                <th>{words.logTime}</th>
                <th>{words.logWhat}</th>
              </tr>
            </thead>
            <tbody>
              {page.lines.map((line) => (
                <LogRow key={line.lineId} line={line} />
              ))}
            </tbody>
          </table>
        </section>
      )}
      {page?.nextBefore ? (
        <div class="in">
          <button class="btn small" type="button" onClick={() => void more().catch(() => undefined)}>
            {words.logMore}
          </button>
        </div>
      ) : null}
    </section>
  );
}

function LogRow({ line }: { readonly line: LogLine }) {
  const { t, format, now } = useApp();
  const errorText = useErrorText();
  const { icon, text, detail, tone } = logSentence(line, t.value, format.value);
  const isToday = format.value.daysUntil(line.at, now.value) === 0;
  return (
    <tr>
      <td class="num">
        {isToday
          ? format.value.clock(line.at)
          : `${format.value.day(line.at, now.value)} ${format.value.time(line.at)}`}
      </td>
      <td class="wrap">
        <span class={`log-line ${tone}`}>
          <Icon name={icon as IconName} size="sm" />
          <span>
            {text} {detail ? <span class="muted">{detail}</span> : null}
            {line.mark ? (
              <small class="mark">
                {errorText(line.mark)}{' '}
                {line.machineAt !== null && line.mark === 'FLOOR_CLOCK_SKEW'
                  ? t.value.machines.logMachineTime(
                      `${format.value.date(line.machineAt)} ${format.value.time(line.machineAt)}`,
                    )
                  : ''}{' '}
                <span class="faint code">{line.mark}</span>
              </small>
            ) : null}
          </span>
        </span>
      </td>
    </tr>
  );
}

/** News before what is there, each line once, newest first. */
function mergeLines(news: readonly LogLine[], before: readonly LogLine[]): LogLine[] {
  const known = new Set(before.map(({ lineId }) => lineId));
  return [...news.filter(({ lineId }) => !known.has(lineId)), ...before].sort((a, b) => b.at - a.at);
}
