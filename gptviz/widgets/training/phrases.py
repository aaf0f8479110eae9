"""The texts of the still picture of a training run, in each language."""

PHRASES = {
    "en": {
        "running": "Step {taken} of {steps}, still running.",
        "paused": "Paused at step {taken} of {steps}.",
        "finished": "Finished: {taken} steps.",
        "stopped": "Stopped at step {taken} of {steps}.",
        "failed": "Failed at step {taken} of {steps}: {error}",
        "losses": "Loss on the batch of each of these steps, in nats:",
        "no_losses": "No step has been taken yet.",
        "step": "step {step}",
    },
    "zh": {
        "running": "第 {taken} 步，共 {steps} 步，仍在训练。",
        "paused": "已暂停在第 {taken} 步，共 {steps} 步。",
        "finished": "已完成：{taken} 步。",
        "stopped": "已停止在第 {taken} 步，共 {steps} 步。",
        "failed": "在第 {taken} 步出错，共 {steps} 步：{error}",
        "losses": "下列各步的批次损失（奈特）：",
        "no_losses": "还没有走过一步。",
        "step": "第 {step} 步",
    },
}
