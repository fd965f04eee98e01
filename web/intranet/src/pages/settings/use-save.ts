import { useState } from 'preact/hooks';
import { type ApiError, asApiError } from '../../api-error.ts';

export type Save = {
  readonly isBusy: boolean;
  readonly failure: ApiError | null;
  readonly run: (act: () => Promise<void>) => void;
};

/** One save at a time, with its refusal kept for the screen. */
export function useSave(): Save {
  const [isBusy, setBusy] = useState(false);
  const [failure, setFailure] = useState<ApiError | null>(null);
  const run = (act: () => Promise<void>) => {
    if (isBusy) return;
    setBusy(true);
    setFailure(null);
    act()
      .catch((cause: unknown) => setFailure(asApiError(cause)))
      .finally(() => setBusy(false));
  };
  return { isBusy, failure, run };
}
