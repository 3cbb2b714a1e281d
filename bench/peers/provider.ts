import { createServer } from 'node:http';
import { randomBytes } from 'node:crypto';

// A provider in the envelope of Tencent Cloud API 3.0, at no delay. Verifications end once POST /end came.
let isEnded = false;

const results: Readonly<Record<string, () => object>> = {
  GetEidToken: () => {
    const token = randomBytes(16).toString('hex').toUpperCase();
    return { EidToken: token, Url: `https://eid.faceid.qq.com/b?et=${token}` };
  },
  CheckEidTokenStatus: () => ({ Status: isEnded ? 'finished' : 'init' }),
  GetEidResult: () => ({
    Text: { ErrCode: 0, ErrMsg: '成功', IdCard: '', Name: '', Sim: '97.31', LivenessDetail: [] },
    BestFrame: null,
  }),
  BankCard4EVerification: () => ({ Result: '0', Description: '认证通过' }),
};

const server = createServer((request, response) => {
  request.resume();
  request.on('end', () => {
    if (request.url === '/end') isEnded = true;
    const result = results[String(request.headers['x-tc-action'])]?.() ?? {};
    const body = JSON.stringify({ Response: { ...result, RequestId: 'r-1' } });
    response.writeHead(200, { 'content-type': 'application/json' }).end(body);
  });
});
server.keepAliveTimeout = 60_000;
server.listen(Number(process.env['PORT']), '127.0.0.1');
