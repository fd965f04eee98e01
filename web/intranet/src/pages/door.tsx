import { useEffect } from 'preact/hooks';
import type { Gate } from '../app-services.ts';
import { FirstRun } from './first-run.tsx';
import { SignIn } from './sign-in.tsx';

/** Before the shop: make the first account, or say who you are. Both are for fingers and for people in no hurry. */
export function Door({ gate }: { readonly gate: Extract<Gate, { at: 'first-run' | 'sign-in' }> }) {
  useEffect(() => {
    document.documentElement.dataset['density'] = 'confortavel';
    return () => {
      document.documentElement.dataset['density'] = 'compacto';
    };
  }, []);
  return gate.at === 'first-run' ? (
    <FirstRun setup={gate.setup} />
  ) : (
    <SignIn setup={gate.setup} hasEnded={gate.ended} />
  );
}
