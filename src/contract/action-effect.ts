/** What a call of an action may do at the provider. Decisions about retries and billing depend on it. */
export type ActionEffect = 'read' | 'free_start' | 'may_charge';
