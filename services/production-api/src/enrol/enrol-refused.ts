/** Why this node is not enrolled, in one plain sentence with the remedy. */
export class EnrolRefused extends Error {
  constructor(message: string) {
    super(message);
    this.name = 'EnrolRefused';
  }
}
