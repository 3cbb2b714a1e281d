import { createRequire } from 'node:module';
import express from 'express';

// POST /start and POST /card over Express and the client of Tencent's official SDK.
// CommonJS without types of its own for this entry point.
const { CommonClient } = createRequire(import.meta.url)(
  'tencentcloud-sdk-nodejs-common/tencentcloud/common/index.js',
);
const client = new CommonClient(new URL(process.env['PROVIDER_URL'] ?? '').host, '2018-03-01', {
  credential: { secretId: 'AKIDbenchbenchbenchbenchbench', secretKey: 'bench-secret-key' },
  region: 'ap-guangzhou',
  profile: { httpProfile: { protocol: 'http://' } },
});

const app = express();
app.use(express.json());
app.get('/', (_request, response) => void response.json({}));
app.post('/start', (request, response) => {
  const { name, idNumber } = request.body;
  const started = client.request('GetEidToken', { MerchantId: 'm', Name: name, IdCard: idNumber });
  void started.then(({ Url }: { Url: string }) => response.json({ url: Url }));
});
app.post('/card', (request, response) => {
  const { name, idNumber, cardNumber, phone } = request.body;
  const input = { Name: name, IdCard: idNumber, BankCard: cardNumber, Phone: phone };
  void client
    .request('BankCard4EVerification', input)
    .then(({ Result }: { Result: string }) => response.json({ result: Result }));
});
app.listen(Number(process.env['PORT']), '127.0.0.1');
