import { readFileSync } from 'node:fs';
import test from 'ava';
import { ICON_NAMES } from '../src/icon-names.ts';

const sprite = readFileSync(new URL('../src/icons.svg', import.meta.url), 'utf8');

test('the sprite and the list of names hold the same icons', (t) => {
  const drawn = [...sprite.matchAll(/<symbol id="([^"]+)"/g)].map(([, id]) => id);
  t.deepEqual(drawn, [...ICON_NAMES]);
});

test('the sprite carries no script, no style and no outside address', (t) => {
  t.notRegex(sprite, /<script|<style|style=|https?:\/\/(?!www\.w3\.org\/2000\/svg)/);
});
