import type { Hello, HelloVerdict } from '@sgp/shared/sync-hello';

/**
 * Which running copy of a node is the present one (docs/sync-protocol.md §4.2). A disk has an epoch; each start of the
 * bridge on it has a generation, one higher than the start before, and an instance id of its own. So a restart is told
 * from a copy: two starts with one generation are two disks.
 */

export type Instance = Pick<Hello, 'epoch' | 'generation' | 'instanceId'>;

/** A start, and the epoch that its own went out from. */
type Start = Instance & Pick<Hello, 'parentEpoch'>;

export type NodeInstances = {
  readonly present: Instance;
  /** Epochs of this node that came before the present one. */
  readonly formerEpochs: readonly string[];
  /** Two live copies spoke with one identity: nothing goes on until a person decided. */
  readonly forked: boolean;
};

/** What the Core has of the epoch that says hello; zeros when it never saw it. */
export type EpochCheckpoint = {
  /** At or below it nothing was open. */
  readonly ackedSeq: number;
  /** Highest change number that ever arrived. */
  readonly maxSeq: number;
};

export type HelloJudgement = {
  readonly answer: HelloVerdict | 'superseded' | 'forked';
  readonly next: NodeInstances | null;
};

/**
 * Judges a handshake. Stragglers of the network change nothing: only a hello that names the present instance as the one
 * that superseded it proves a process that lives beside it.
 */
export function judgeHello(
  known: NodeInstances | null,
  checkpoint: EpochCheckpoint,
  hello: Start & Pick<Hello, 'lastSeq' | 'ackedSeq' | 'superseded'>,
): HelloJudgement {
  if (known === null) return { answer: byPosition(checkpoint, hello), next: presentIs(hello, former(null, hello)) };
  const { present } = known;
  if (known.forked) return { answer: 'forked', next: known };
  if (hello.instanceId === present.instanceId && hello.epoch === present.epoch)
    return { answer: byPosition(checkpoint, hello), next: known };
  if (hello.superseded === present.instanceId && !isUnheardOf(known, hello))
    return { answer: 'forked', next: { ...known, forked: true } };
  if (hello.epoch !== present.epoch) {
    if (known.formerEpochs.includes(hello.epoch)) return { answer: 'new-epoch', next: known };
    return { answer: 'compare', next: presentIs(hello, former(known, hello)) };
  }
  // The disk of this start was copied or restored from the past: its numbers were given before.
  if (hello.generation <= present.generation) return { answer: 'new-epoch', next: known };
  const answer = byPosition(checkpoint, hello);
  return { answer, next: answer === 'new-epoch' ? known : presentIs(hello, known.formerEpochs) };
}

/**
 * The present instance cannot have come after a start that is later than it: the Core was restored from a backup and
 * forgot this one, which is no copy.
 */
const isUnheardOf = (
  { present, formerEpochs }: NodeInstances,
  { epoch, generation }: Pick<Instance, 'epoch' | 'generation'>,
): boolean => (epoch === present.epoch ? generation > present.generation : !formerEpochs.includes(epoch));

/** Is this push of the instance that is the present one? */
export function judgePush(
  known: NodeInstances | null,
  push: Pick<Instance, 'epoch' | 'instanceId'>,
): 'go-on' | 'superseded' | 'forked' {
  if (known?.forked === true) return 'forked';
  return known?.present.instanceId === push.instanceId && known.present.epoch === push.epoch ? 'go-on' : 'superseded';
}

export type BundleJudgement = {
  readonly answer: 'take' | 'superseded' | 'forked';
  readonly next: NodeInstances | null;
};

/**
 * Judges the start that wrote a file of pushes (docs/sync-protocol.md §10). A file comes late: one of an earlier start of the
 * same disk is taken and changes nothing. One of a start that is news becomes the present one, as its handshake would.
 * @param known with `sameGeneration`, the instance that the file's epoch and generation were given to, as far as is known
 */
export function judgeBundle(
  known: (NodeInstances & { readonly sameGeneration: string | null }) | null,
  checkpoint: EpochCheckpoint,
  file: Start & Pick<Hello, 'lastSeq'>,
): BundleJudgement {
  if (known === null) return { answer: 'take', next: presentIs(file, former(null, file)) };
  const { present, formerEpochs } = known;
  if (known.forked) return { answer: 'forked', next: known };
  // Two starts with one generation are two disks; which of them is the shop's, a handshake finds out.
  if (known.sameGeneration !== null && known.sameGeneration !== file.instanceId)
    return { answer: 'superseded', next: known };
  if (file.epoch !== present.epoch) {
    if (formerEpochs.includes(file.epoch)) return { answer: 'superseded', next: known };
    return { answer: 'take', next: presentIs(file, former(known, file)) };
  }
  if (file.generation <= present.generation) return { answer: 'take', next: known };
  // A later start that knows less than was told before: the disk was restored, and needs a new epoch first.
  if (file.lastSeq < checkpoint.maxSeq) return { answer: 'superseded', next: known };
  return { answer: 'take', next: presentIs(file, formerEpochs) };
}

/** Is this push of a file of the disk that is the present one? Its start may have ended since. */
export function judgeFilePush(
  known: NodeInstances | null,
  push: Pick<Instance, 'epoch' | 'generation'>,
): 'go-on' | 'superseded' | 'forked' {
  if (known?.forked === true) return 'forked';
  const isKnown = known?.present.epoch === push.epoch && push.generation <= known.present.generation;
  return isKnown ? 'go-on' : 'superseded';
}

/**
 * What came before a new epoch: also the one that it went out from, which a Core that was restored may have forgotten. A
 * straggler of that one would else be taken for another disk.
 */
const former = (known: NodeInstances | null, { epoch, parentEpoch }: Start): readonly string[] => {
  const before = [...(known?.formerEpochs ?? []), known?.present.epoch, parentEpoch];
  return [...new Set(before)].filter((each): each is string => each != null && each !== epoch);
};

const presentIs = ({ epoch, generation, instanceId }: Instance, formerEpochs: readonly string[]): NodeInstances => ({
  present: { epoch, generation, instanceId },
  formerEpochs,
  forked: false,
});

/** The disk that knows less than it told was restored; a Core that knows less than it acknowledged was restored. */
function byPosition(core: EpochCheckpoint, edge: Pick<Hello, 'lastSeq' | 'ackedSeq'>): HelloVerdict {
  if (edge.lastSeq < core.maxSeq) return 'new-epoch';
  return core.ackedSeq < edge.ackedSeq ? 'compare' : 'go-on';
}
