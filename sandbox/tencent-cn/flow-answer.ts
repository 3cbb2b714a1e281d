import { randomUUID } from 'node:crypto';
import type { Flow } from '../flows.ts';
import { recordingOf } from '../tencent/media.ts';

/** Only 0, 2006 and 2016 are charged (doc 1007/115318). */
const chargedCodes: ReadonlySet<number> = new Set([0, 2006, 2016]);

/** The member `Text` of a flow, without what identifies the person. */
export function toFlowText(flow: Flow): Record<string, unknown> {
  const last = flow.attempts.at(-1);
  return {
    ErrCode: last?.code ?? null,
    ErrMsg: last ? (last.code === 0 ? '成功' : '失败') : null,
    UseIDType: 0,
    OcrAddress: '广东省深圳市',
    LiveStatus: last ? 0 : null,
    Comparestatus: last ? (last.code === 0 ? 0 : 1) : null,
    Sim: last ? (last.code === 0 ? '97.31' : '42.00') : null,
    Extra: flow.extra,
    LivenessMode: last ? 4 : null,
    LivenessDetail: flow.attempts.map(({ code, atMs }) => ({
      ReqTime: String(atMs),
      Seq: randomUUID(),
      Idcard: flow.idCard,
      Name: flow.name,
      Sim: code === 0 ? '97.31' : '42.00',
      IsNeedCharge: chargedCodes.has(code),
      Errcode: code,
      Errmsg: code === 0 ? '成功' : '失败',
      LivenessMode: 4,
      CompareLibType: '权威库',
    })),
  };
}

/** The members about the intention check. `wants`: whether the request asked for a part of the response. */
export function toIntention(
  flow: Flow,
  wants: (digit: string) => boolean,
): Record<string, unknown> {
  const recording = recordingOf(flow.orders);
  const hasIntention = flow.intentionMode !== null;
  const isWanted = wants(flow.intentionMode === '1' ? '5' : '6');
  const isReached = hasIntention && flow.attempts.at(-1)?.code === 0;
  const intention = isWanted && isReached ? flow.intentionCode : null;
  return {
    IsVerifyIntention: hasIntention,
    IntentionVerifyType: hasIntention ? answerTypeOf(flow.intentionMode) : null,
    IntentionVerifyData:
      intention !== null && flow.intentionMode === '1'
        ? {
            ErrorCode: intention,
            ErrorMessage: '',
            IntentionVerifyVideo: recording,
          }
        : hasIntention
          ? null
          : // Also without an intention, as in the sample of tccli (2026-08-21).
            { ErrorCode: 0, ErrorMessage: '', IntentionVerifyVideo: '' },
    IntentionQuestionResult:
      intention !== null && flow.intentionMode === '2'
        ? {
            FinalResultDetailCode: intention,
            FinalResultCode: intention === 0 ? '0' : '-1',
            Video: recording,
          }
        : null,
    IntentionActionResult:
      intention !== null && flow.intentionMode === '3'
        ? { FinalResultDetailCode: intention, Details: [{ Video: recording }] }
        : null,
  };
}

/** The response numbers the modes differently from the request: "0" questions, "1" nod, "2" aloud. */
function answerTypeOf(requestMode: string | null): string | null {
  return requestMode === null ? null : ({ '1': '2', '2': '0', '3': '1' }[requestMode] ?? null);
}
