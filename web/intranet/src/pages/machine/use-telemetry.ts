import type { Machine, TelemetrySeries } from '@sgp/shared/api/machines';
import { useEffect, useRef, useState } from 'preact/hooks';
import type { StateSpans } from '../../api.ts';
import { useApp } from '../../app-context.ts';
import { appendSamples } from '../../logic/chart-data.ts';
import type { Samples } from '../../logic/machine-samples.ts';

export type LoadedTelemetry = { readonly series: TelemetrySeries | null; readonly spans: StateSpans['spans'] };

/** Points that the chart has room for. */
const POINTS = 400;
/** Buckets and states are the server's: live samples are drawn on top until the next read. */
const REREAD_MS = 30_000;
/** Longer than a read takes: what was heard meanwhile is drawn on top of its answer. */
const HEARD_MAX_MS = 60_000;

/** One metric and the states of a machine over the last `windowMs`, read once and then followed sample by sample. */
export function useTelemetry(machineId: string, metric: string | null, windowMs: number): LoadedTelemetry {
  const { api, live, now } = useApp();
  const [loaded, setLoaded] = useState<LoadedTelemetry>({ series: null, spans: [] });
  const heard = useRef<Samples>([]);
  const turn = useRef(0);

  useEffect(() => {
    const mine = ++turn.current;
    const withHeard = (series: TelemetrySeries): TelemetrySeries => {
      const samples = heard.current.flatMap(({ at, metric: name, value }) =>
        name === metric && typeof value === 'number' ? [{ at, value }] : [],
      );
      return appendSamples(series, samples, now.peek() - windowMs);
    };
    const load = async () => {
      const to = now.peek();
      const from = to - windowMs;
      const [series, states] = await Promise.all([
        metric === null ? null : api.telemetry(machineId, { metric, from, to, points: POINTS }),
        api.machineStates(machineId, from, to),
      ]);
      // A sample that arrived while the server was reading is in the stream and not in the answer.
      if (mine === turn.current) setLoaded({ series: series && withHeard(series), spans: states.spans });
    };
    // A failed read leaves the old curve where it is: the notice of the page says what is wrong with the server.
    const read = () => void load().catch(() => undefined);
    read();
    const timer = setInterval(read, REREAD_MS);
    const stopReconnect = live.onReconnect(read);
    const stopListen = live.listen((name, data) => {
      if (name === 'machine.changed' && (data as Machine).machineId === machineId) read();
      if (name !== 'machine.telemetry') return;
      const news = data as { readonly machineId: string; readonly samples: Samples };
      if (news.machineId !== machineId) return;
      const oldest = now.peek() - HEARD_MAX_MS;
      heard.current = [...heard.current.filter(({ at }) => at >= oldest), ...news.samples];
      if (news.samples.some((sample) => sample.metric === metric))
        setLoaded((before) => (before.series === null ? before : { ...before, series: withHeard(before.series) }));
    });
    return () => {
      turn.current++;
      clearInterval(timer);
      stopReconnect();
      stopListen();
    };
  }, [machineId, metric, windowMs]);
  return loaded;
}
