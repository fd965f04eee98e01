/** A map that forgets its oldest key when it is full: strangers choose the keys, so their number has a limit. */
export type KeyedMemory<Value> = {
  get(key: string): Value | undefined;
  /** Writes the key as the youngest. */
  set(key: string, value: Value): void;
  delete(key: string): void;
};

export function createKeyedMemory<Value>(maxKeys: number): KeyedMemory<Value> {
  const values = new Map<string, Value>();
  return {
    get: (key) => values.get(key),
    set(key, value) {
      values.delete(key);
      const oldest = values.size >= maxKeys ? values.keys().next().value : undefined;
      if (oldest !== undefined) values.delete(oldest);
      values.set(key, value);
    },
    delete: (key) => {
      values.delete(key);
    },
  };
}
