import type { Route } from '@sgp/service-kit/route';
import { idParams } from '@sgp/shared/api/common';
import {
  type Machine,
  type MachineCredential,
  machineCredentialSchema,
  machineSchema,
  machinesSchema,
  newMachineBody,
  patchMachineBody,
  revokedMachineSchema,
} from '@sgp/shared/api/machines';
import { deviceUsername } from '@sgp/shared/topics';
import { sessionRoute } from '../people/session-route.ts';
import type { CredentialPush } from './credential-push.ts';
import type { RegisteredMachine } from './machine-store.ts';
import type { MachineRegistry, WithSecret } from './registry.ts';

export type MachineRouteDeps = {
  readonly registry: MachineRegistry;
  readonly push: CredentialPush['push'];
  readonly view: (machine: RegisteredMachine) => Machine;
  readonly changed: (machineId: string) => void;
  readonly est: string;
  /** Where machines connect: it stands in the ready-made text that a person copies. */
  readonly machineBroker: { readonly host: string; readonly port: number };
};

const tag = 'machines';

/** The registry of machines and their credentials. */
export function machineRoutes(deps: MachineRouteDeps): readonly Route[] {
  const { registry, view } = deps;
  const tell = async ({ machineId }: RegisteredMachine): Promise<boolean> => {
    // The screens see what is stored at once, also while the broker lets its word wait.
    deps.changed(machineId);
    return deps.push();
  };
  const withSecret = async ({ machine, secret }: WithSecret): Promise<MachineCredential> => {
    const username = deviceUsername(deps.est, machine.slug);
    const topicPrefix = `sgp/${deps.est}/${machine.slug}/up`;
    const credential = { username, clientId: username, password: secret, ...deps.machineBroker, topicPrefix };
    const enforced = await tell(machine);
    return { machine: view(machine), enforced, credential };
  };
  return [
    sessionRoute(
      { method: 'GET', path: '/api/machines', summary: 'All machines', tag, access: 'session', answer: machinesSchema },
      () => ({ machines: registry.list().map(view) }),
    ),
    sessionRoute(
      {
        method: 'POST',
        path: '/api/machines',
        summary: 'Register a machine; the secret is shown this once',
        tag,
        access: 'manager',
        body: newMachineBody,
        answer: machineCredentialSchema,
        status: 201,
      },
      async ({ body, caller }) => withSecret(await registry.create(body, caller.actor)),
    ),
    sessionRoute(
      {
        method: 'GET',
        path: '/api/machines/:id',
        summary: 'One machine',
        tag,
        access: 'session',
        params: idParams,
        answer: machineSchema,
      },
      ({ params }) => view(registry.get(params.id)),
    ),
    sessionRoute(
      {
        method: 'PATCH',
        path: '/api/machines/:id',
        summary: 'Change name, kind or sector',
        tag,
        access: 'manager',
        params: idParams,
        body: patchMachineBody,
        answer: machineSchema,
      },
      async ({ params, body, caller }) => {
        const machine = await registry.rename(params.id, defined(body), caller.actor);
        deps.changed(machine.machineId);
        return view(machine);
      },
    ),
    sessionRoute(
      {
        method: 'POST',
        path: '/api/machines/:id/credential',
        summary: 'Replace the secret; the new one is shown this once',
        tag,
        access: 'manager',
        params: idParams,
        answer: machineCredentialSchema,
      },
      async ({ params, caller }) => withSecret(await registry.rotate(params.id, caller.actor)),
    ),
    sessionRoute(
      {
        method: 'DELETE',
        path: '/api/machines/:id/credential',
        summary: 'Revoke the secret: the machine is disconnected and refused once the broker confirmed',
        tag,
        access: 'manager',
        params: idParams,
        answer: revokedMachineSchema,
      },
      async ({ params, caller }) => {
        const machine = await registry.revoke(params.id, caller.actor);
        const enforced = await tell(machine);
        return { ...view(machine), enforced };
      },
    ),
  ];
}

/** Leaves out the members that were not given. */
function defined<Body extends object>(body: Body): { [Key in keyof Body]: Exclude<Body[Key], undefined> } {
  return Object.fromEntries(Object.entries(body).filter(([, value]) => value !== undefined)) as never;
}
