/** The input of a card check of this person. The sandbox answers MATCHED unless the name says otherwise. */
export function cardInput(name: string, idempotencyKey = name) {
  return {
    idempotencyKey,
    subject: { name, idNumber: '11204416541220243X' },
    cardNumber: '6225768888888888',
    phone: '16137688175',
  };
}
