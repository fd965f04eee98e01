/**
 * Deliberate bugs, to test the test (mutation testing): each breaks one rule of the simulated shells or goes around one
 * function of the engine, and the laws must notice.
 */
export const mutants = {
  'ack-before-commit': 'the Core answers, and its transaction is lost',
  'no-version-guard': 'the Core takes every change, whatever version and stamp it has',
  'lane-3-forgotten': 'nobody looks into the bulk streams',
  'lane-2-forgotten': 'nobody looks into the state streams',
  'push-number-reused': 'push numbers begin anew with each process',
  'ack-covers-newer': 'an acknowledgement takes newer versions than were sent out of the queue',
  'low-water-too-high': 'a push says that nothing is open below its newest change',
  'edge-digest-kept': 'the edge leaves the old version of an entity in its sums',
  'core-digest-kept': 'the Core leaves the old version of an entity in its sums',
  'missing-ignored': 'what a comparison finds missing at the Core is not sent again',
  'repair-ignored': 'what a comparison finds newer at the Core is not written anew',
  'unknown-ignored': 'what a comparison finds unknown is not listed',
  'restored-not-listed': 'a repair writes over the text of the Core without listing it',
  'lineage-left-out': 'a change does not say from which versions it was made',
  'overwrite-not-listed': 'the Core writes over what the writer did not know without listing it',
  'parked-dropped': 'what the Core parked leaves the queue',
  'same-epoch-after-restore': 'a restored disk goes on in its old epoch',
  'outbox-outside': 'the change is queued in another transaction than its row',
  'clock-trusted': 'the status counts by the wall clock alone, and what lies in its future as new',
  'queue-not-counted': 'the status does not look into the queue',
  'core-time-ignored': 'the edge signs with its own time, whatever the Core taught',
  'stamp-of-the-wall': 'a stamp is the time of the wall clock, which may go back',
  'fork-ignored': 'the Core does not look at whom a hello names as the one that took its place',
  'fork-not-kept': 'the Core says that a node is forked, and takes its pushes all the same',
  'lane-2-shed': 'a nearly full disk drops changes of lane 2 as well',
  'newest-shed': 'a nearly full disk drops the newest of lane 3',
  'shed-not-counted': 'what a nearly full disk drops is not counted',
  'half-written-kept': 'a full disk keeps the part of a transaction that had room',
  'full-core-says-ok': 'a Core whose disk is full answers as if it had committed',
  'unknown-streams-dropped': 'what a Core of version 1 does not know leaves the queue',
} as const;
export type Mutant = keyof typeof mutants;
export const mutantNames = Object.keys(mutants) as Mutant[];

/** Throws: the run ends with the broken law. */
export function law(holds: boolean, text: string): asserts holds {
  if (!holds) throw new Error(`broken law: ${text}`);
}
