type Fields = Readonly<Record<string, string>>;

/** A document in the two forms of OCRResult. Null: the form does not have it. */
interface Sample {
  readonly normal: Fields | null;
  readonly card: Fields | null;
}

const parts = {
  ...{ FirstName: 'Person', LastName: 'SANDBOX', LicenseNumber: 'A00000000' },
  ...{ Birthday: '1990-03-07', IssuedCountry: 'XXX' },
};
const whole = { FullName: 'SANDBOX Person', LicenseNumber: 'A00000000', Birthday: '1990-03-07' };
const same = (fields: Fields): Sample => ({ normal: fields, card: fields });
const cardOnly = (card: Fields): Sample => ({ normal: null, card });
const normalOnly = (normal: Fields): Sample => ({ normal, card: null });

/** Invented documents, by their member. Source: tencentcloud-sdk-nodejs-intl-en 3.0.1335. */
export const documents: Readonly<Record<string, Sample>> = {
  HKIDCard: {
    normal: { ...whole, ChineseName: '沙箱', LicenseNumber: 'A000000(0)', Birthday: '07-03-1990' },
    card: { CnName: '沙箱', EnName: 'SANDBOX Person', IdNum: 'A000000(0)', Birthday: '07-03-1990' },
  },
  MLIDCard: {
    normal: whole,
    card: { Name: 'SANDBOX Person', ID: 'A00000000', Birthday: '1990-03-07' },
  },
  IndonesiaIDCard: {
    normal: { ...whole, DueDate: '2031-12-31' },
    card: {
      ...{ NIK: 'A00000000', Nama: 'SANDBOX Person' },
      ...{ TempatTglLahir: 'JAKARTA, 07-03-1990', BerlakuHingga: '2031-12-31' },
    },
  },
  ThailandIDCard: {
    normal: { ...whole, FirstName: 'Person', LastName: 'SANDBOX', ExpirationDate: '2031-12-31' },
    card: { ...parts, DateOfBirth: '1990-03-07', DateOfExpiry: '2031-12-31' },
  },
  SingaporeIDCard: same({
    ...{ EnName: 'SANDBOX Person', ChName: '沙箱', NRICCode: 'A00000000', ID: 'A00000000' },
    ...{ Birthday: '1990-03-07', DateOfExpiration: '2031-12-31' },
  }),
  InternationalIDPassport: same({
    ...{ ...whole, Surname: 'SANDBOX', GivenName: 'Person' },
    ...{ DateOfExpiration: '2031-12-31', IssuingCountry: 'XXX' },
  }),
  GeneralCard: same({
    ...{ ...whole, ExpirationDate: '2031-12-31', IssuedCountry: 'XXX' },
    RegistrationNumber: 'B00000000',
  }),
  MainlandIDCard: normalOnly(whole),
  HMTPermitCard: normalOnly({
    ...{ Name: '沙箱', EnglishName: 'SANDBOX Person', Number: 'A00000000' },
    ...{ ValidDate: '2031.12.31', Birthday: '1990.03.07' },
  }),
  TaiWanIDCard: same({ FullName: '沙箱', LicenseNumber: 'A00000000' }),
  JapanIDCard: same({ ...whole, ExpirationDate: '2031-12-31' }),
  MacaoIDCard: same({ ...parts, ExpirationDate: '2031-12-31' }),
  BangladeshIDCard: cardOnly(parts),
  NigeriaIDCard: cardOnly(parts),
  NigeriaDrivingLicense: cardOnly({ ...parts, ExpirationDate: '2031-12-31' }),
  PakistanIDCard: cardOnly(parts),
  PakistanDrivingLicense: cardOnly(parts),
  IndonesiaDrivingLicense: same({ ...parts, ExpirationDate: '2031-12-31' }),
  PhilippinesVoteID: same({
    ...{ VIN: 'A00000000', FirstName: 'Person', LastName: 'SANDBOX', Birthday: '1990-03-07' },
  }),
  PhilippinesDrivingLicense: same({
    ...{ Name: 'SANDBOX Person', LicenseNo: 'A00000000', Birthday: '1990-03-07' },
    ExpiresDate: '2031/12/31',
  }),
  PhilippinesTinID: same(whole),
  PhilippinesSSSID: same(whole),
  PhilippinesUMID: same({
    ...{ CRN: 'A00000000', Surname: 'SANDBOX', GivenName: 'Person', Birthday: '1990-03-07' },
  }),
};
