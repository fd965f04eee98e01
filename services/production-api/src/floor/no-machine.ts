/** Stands in place of a machine's id for clients and topics that are no machine of this shop. */
export const noMachine = '';
