import type { Transfer, TransferState } from "../film/transfers";
import { language } from "./language";

export interface TransferMessages {
  readonly send: string;
  readonly title: string;
  readonly to: string;
  readonly start: string;
  readonly close: string;
  readonly cancel: string;
  readonly earlier: string;
  readonly trouble: string;
  readonly state: Record<TransferState, string>;
  readonly progress: (one: Transfer) => string;
}

const en: TransferMessages = {
  send: "Send",
  title: "Send to another archive",
  to: "Archive",
  start: "Send",
  close: "Close",
  cancel: "Stop",
  earlier: "Sent before",
  trouble: "That did not work. Try again in a moment.",
  state: {
    waiting: "waiting",
    sending: "being sent",
    done: "sent",
    failed: "not all sent",
    cancelled: "stopped",
  },
  progress: ({ sent, total }) => `${sent} of ${total} images`,
};

const zh: TransferMessages = {
  send: "发送",
  title: "发送到其他影像库",
  to: "影像库",
  start: "发送",
  close: "关闭",
  cancel: "停止",
  earlier: "发送记录",
  trouble: "操作未成功，请稍后再试。",
  state: {
    waiting: "等待中",
    sending: "正在发送",
    done: "已发送",
    failed: "未全部发送",
    cancelled: "已停止",
  },
  progress: ({ sent, total }) => `${sent}/${total} 幅图像`,
};

export function transferMessages(): TransferMessages {
  return language.value === "zh-CN" ? zh : en;
}
