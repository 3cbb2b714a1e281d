/** What calling an action may do: the base of every decision about retries and billing. */
export type ActionEffect = 'read' | 'free_start' | 'may_charge';
