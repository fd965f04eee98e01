import { type Hlc, hlcAfter, hlcNodeOf, hlcObserve, hlcParse, hlcSchema, hlcTick, hlcZero } from '@sgp/shared/clock';
import { uuidSchema } from '@sgp/shared/ids';
import { uuidV7, uuidV7Time } from '@sgp/shared/uuid';
import test from 'ava';
import fc from 'fast-check';

const node = 'a1b2c3d4e5f6';

test('a UUIDv7 is well formed, sorts by its time and tells it', (t) => {
  fc.assert(
    fc.property(
      fc.nat({ max: 2 ** 40 }),
      fc.uint8Array({ minLength: 10, maxLength: 10 }),
      fc.uint8Array({ minLength: 10, maxLength: 10 }),
      (ms, one, other) => {
        const earlier = uuidV7(ms, one);
        const later = uuidV7(ms + 1, other);
        uuidSchema.parse(earlier);
        return earlier < later && uuidV7Time(earlier) === ms;
      },
    ),
  );
  t.is(
    uuidV7(0x017f22e279b0, Uint8Array.from([0xcc, 0xc3, 0x98, 0xc4, 0xdc, 0x0c, 0x0c, 0x07, 0x39, 0x8f])).slice(0, 18),
    '017f22e2-79b0-7cc3',
  );
});

test('a stamp is greater than every stamp given before, whatever the wall clock does', (t) => {
  fc.assert(
    fc.property(fc.array(fc.integer({ min: 0, max: 2_000_000_000_000 }), { minLength: 2, maxLength: 50 }), (walls) => {
      let state = hlcZero;
      let last = '';
      for (const wall of walls) {
        const [next, stamp] = hlcTick(state, wall, node);
        hlcSchema.parse(stamp);
        if (stamp <= last) return false;
        state = next;
        last = stamp;
      }
      return true;
    }),
  );
  t.pass();
});

test('a stamp that was observed is behind the next local one', (t) => {
  const seen = '00000000005000-0007-ffffffffffff' as Hlc;
  const [, stamp] = hlcTick(hlcObserve(hlcZero, seen), 1_000, node);
  t.true(stamp > seen);
  t.deepEqual(hlcParse(stamp), { ms: 5_000, counter: 8, node });
});

test('a stamp that must follow another one is moved behind it only where it is not', (t) => {
  const stamp = `00000000005000-0000-${node}` as Hlc;
  t.is(hlcAfter(stamp, undefined), stamp);
  t.is(hlcAfter(stamp, '00000000004999-ffff-ffffffffffff' as Hlc), stamp);
  t.is(hlcAfter(stamp, '00000000006000-0003-ffffffffffff' as Hlc), `00000000006000-0004-${node}` as Hlc);
  t.is(hlcAfter(stamp, stamp), `00000000005000-0001-${node}` as Hlc);
});

test('a full counter moves to the next millisecond instead of wrapping', (t) => {
  const [state, stamp] = hlcTick({ ms: 10, counter: 0xffff }, 5, node);
  t.deepEqual(state, { ms: 11, counter: 0 });
  t.true(stamp > '00000000000010-ffff-a1b2c3d4e5f6');
});

test('the node of a stamp is the end of its UUID', (t) => {
  t.is(hlcNodeOf('01a200f7-f590-7101-88cd-7bd3e7496a9e'), '7bd3e7496a9e');
});
