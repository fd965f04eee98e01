/**
 * Does the filter match the topic? MQTT 3.1.1 §4.7; no wildcard at the first level matches a topic that begins with `$`.
 * Both are valid: the front refuses what is not.
 */
export function topicMatches(filterLevels: readonly string[], topicLevels: readonly string[]): boolean {
  if (topicLevels[0]?.startsWith('$') && (filterLevels[0] === '+' || filterLevels[0] === '#')) return false;
  for (const [index, level] of filterLevels.entries()) {
    if (level === '#') return true;
    if (index >= topicLevels.length || (level !== '+' && level !== topicLevels[index])) return false;
  }
  return filterLevels.length === topicLevels.length;
}
