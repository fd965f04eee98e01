import type { Board, OrderSummary } from '@sgp/shared/api/orders';
import test from 'ava';
import { findCard, moveCard, moveTargets, nextTarget, placeCard, walkCards } from '../src/logic/board.ts';
import { order, stages } from './support/orders.ts';

const names = { delivered: 'Entregue', cancelled: 'Cancelado' };
const boardOf = (...columns: readonly (readonly OrderSummary[])[]): Board => ({
  columns: stages.map((stage, index) => ({ stage, orders: [...(columns[index] ?? [])] })),
});
const shape = (board: Board) => board.columns.map(({ orders }) => orders.map(({ number }) => number));
const first = order({ number: '1', promisedAt: 10 });
const second = order({ number: '2', promisedAt: 20 });
const third = order({ number: '3', promisedAt: 15, stage: stages[1] });

test('a moved card stands by its promise in the new column and takes its stage and status', (t) => {
  const moved = moveCard(boardOf([first, second], [third]), second.orderId, 'aprovado');
  t.deepEqual(shape(moved), [['1'], ['3', '2'], []]);
  t.like(findCard(moved, second.orderId), { status: 'approved', stage: { key: 'aprovado' } });
});

test('a move to where it is, or of a card that is not there, changes nothing', (t) => {
  const board = boardOf([first]);
  t.is(moveCard(board, first.orderId, first.stage.key), board);
  t.is(moveCard(board, 'nobody', 'aprovado'), board);
});

test('delivering takes the card off the board', (t) => {
  t.deepEqual(shape(moveCard(boardOf([first]), first.orderId, 'delivered')), [[], [], []]);
});

test('a refused move is undone by placing the card as it was', (t) => {
  const board = boardOf([first, second], [third]);
  const rolledBack = placeCard(moveCard(board, second.orderId, 'aprovado'), second);
  t.deepEqual(shape(rolledBack), shape(board));
});

test('the primary act is the next stage, after the last one delivery, and none once closed', (t) => {
  t.is(nextTarget(stages, first, names)?.to, 'aprovado');
  t.is(nextTarget(stages, order({ stage: stages[2], status: 'ready' }), names)?.to, 'delivered');
  t.is(nextTarget(stages, order({ status: 'delivered' }), names), null);
});

test('every other stage and both exits can be reached from the menu', (t) => {
  t.deepEqual(
    moveTargets(stages, third, names).map(({ to, kind }) => `${to} ${kind}`),
    ['recebido back', 'aprovado here', 'pronto forward', 'delivered delivered', 'cancelled cancelled'],
  );
});

test('J and K walk column by column and stop at the ends', (t) => {
  const board = boardOf([first], [third]);
  t.is(walkCards(board, null, 1), first.orderId);
  t.is(walkCards(board, first.orderId, 1), third.orderId);
  t.is(walkCards(board, third.orderId, 1), third.orderId);
  t.is(walkCards(board, null, -1), third.orderId);
});
