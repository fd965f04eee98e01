import { readFileSync } from 'node:fs';
import * as z from 'zod';

/** Thrown when the environment does not describe a service that can run; `main.ts` prints the message and ends with 2. */
export class ConfigError extends Error {
  constructor(message: string) {
    super(message);
    this.name = 'ConfigError';
  }
}

/**
 * Reads a service's settings from the environment, once, in its `config.ts`.
 * @param schema one member for each variable, with its default
 * @throws ConfigError naming each wrong variable and what it must be (never its value: it may be a secret)
 */
export function readConfig<Shape extends z.ZodRawShape>(
  schema: z.ZodObject<Shape>,
  env: NodeJS.ProcessEnv,
): z.infer<z.ZodObject<Shape>> {
  const known = Object.fromEntries(
    Object.keys(schema.shape).map((name) => [name, env[name] === '' ? undefined : env[name]]),
  );
  const result = schema.safeParse(known);
  if (result.success) return result.data;
  const faults = result.error.issues.map((issue) => `${issue.path.join('.')}: ${issue.message}`);
  throw new ConfigError(`Settings are wrong. ${faults.join('; ')}.`);
}

export const portSetting = z.coerce.number().int().min(0).max(65_535);

/** A setting that names a file whose trimmed content is the secret; secrets never stand in the environment itself. */
export function readSecretFile(path: string): string {
  try {
    return readFileSync(path, 'utf8').trim();
  } catch (cause) {
    throw new ConfigError(
      `The secret file ${path} cannot be read (${(cause as NodeJS.ErrnoException).code}). The launcher makes it; set its path or make it yourself.`,
    );
  }
}
