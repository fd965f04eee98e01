/** The p-th quantile (0 to 1) of numbers that need not be sorted: nearest rank. */
export function quantile(values: readonly number[], p: number): number {
  const sorted = [...values].sort((a, b) => a - b);
  return sorted[Math.min(sorted.length - 1, Math.ceil(p * sorted.length) - 1)] ?? Number.NaN;
}

/** `median (lowest-highest) unit` of several rounds. */
export function spread(rounds: readonly number[], unit: string, digits = 1): string {
  const text = (value: number): string => value.toFixed(digits);
  return `${text(quantile(rounds, 0.5))} (${text(Math.min(...rounds))}-${text(Math.max(...rounds))}) ${unit}`;
}
