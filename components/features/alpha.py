"""Qlib's feature sets Alpha158 and Alpha360, as expressions by name."""

from __future__ import annotations

#: Return from tomorrow's close to that of the day after, when a signal of today can be traded.
LABEL = {"LABEL0": "Ref($close, -2)/Ref($close, -1) - 1"}

_WINDOWS = (5, 10, 20, 30, 60)

_CANDLE = {
    "KMID": "($close-$open)/$open",
    "KLEN": "($high-$low)/$open",
    "KMID2": "($close-$open)/($high-$low+1e-12)",
    "KUP": "($high-Greater($open, $close))/$open",
    "KUP2": "($high-Greater($open, $close))/($high-$low+1e-12)",
    "KLOW": "(Less($open, $close)-$low)/$open",
    "KLOW2": "(Less($open, $close)-$low)/($high-$low+1e-12)",
    "KSFT": "(2*$close-$high-$low)/$open",
    "KSFT2": "(2*$close-$high-$low)/($high-$low+1e-12)",
}


def _gains(field: str) -> str:
    return f"Sum(Greater({field}-Ref({field}, 1), 0), %d)"


def _losses(field: str) -> str:
    return f"Sum(Greater(Ref({field}, 1)-{field}, 0), %d)"


def _moves(field: str) -> str:
    return f"(Sum(Abs({field}-Ref({field}, 1)), %d)+1e-12)"


#: Name -> template; %d is the window.
_ROLLING = {
    "ROC": "Ref($close, %d)/$close",
    "MA": "Mean($close, %d)/$close",
    "STD": "Std($close, %d)/$close",
    "BETA": "Slope($close, %d)/$close",
    "RSQR": "Rsquare($close, %d)",
    "RESI": "Resi($close, %d)/$close",
    "MAX": "Max($high, %d)/$close",
    "MIN": "Min($low, %d)/$close",
    "QTLU": "Quantile($close, %d, 0.8)/$close",
    "QTLD": "Quantile($close, %d, 0.2)/$close",
    "RANK": "Rank($close, %d)",
    "RSV": "($close-Min($low, %d))/(Max($high, %d)-Min($low, %d)+1e-12)",
    "IMAX": "IdxMax($high, %d)/%d",
    "IMIN": "IdxMin($low, %d)/%d",
    "IMXD": "(IdxMax($high, %d)-IdxMin($low, %d))/%d",
    "CORR": "Corr($close, Log($volume+1), %d)",
    "CORD": "Corr($close/Ref($close,1), Log($volume/Ref($volume, 1)+1), %d)",
    "CNTP": "Mean($close>Ref($close, 1), %d)",
    "CNTN": "Mean($close<Ref($close, 1), %d)",
    "CNTD": "Mean($close>Ref($close, 1), %d)-Mean($close<Ref($close, 1), %d)",
    "SUMP": f"{_gains('$close')}/{_moves('$close')}",
    "SUMN": f"{_losses('$close')}/{_moves('$close')}",
    "SUMD": f"({_gains('$close')}-{_losses('$close')})/{_moves('$close')}",
    "VMA": "Mean($volume, %d)/($volume+1e-12)",
    "VSTD": "Std($volume, %d)/($volume+1e-12)",
    "WVMA": "Std(Abs($close/Ref($close, 1)-1)*$volume, %d)/(Mean(Abs($close/Ref($close, 1)-1)*$volume, %d)+1e-12)",
    "VSUMP": f"{_gains('$volume')}/{_moves('$volume')}",
    "VSUMN": f"{_losses('$volume')}/{_moves('$volume')}",
    "VSUMD": f"({_gains('$volume')}-{_losses('$volume')})/{_moves('$volume')}",
}


def alpha158_fields() -> dict[str, str]:
    """Name -> expression of the 158 features, in Qlib's order."""
    prices = {f"{price.upper()}0": f"${price}/$close" for price in ("open", "high", "low", "vwap")}
    rolling = {
        f"{name}{window}": template.replace("%d", str(window))
        for name, template in _ROLLING.items()
        for window in _WINDOWS
    }
    return {**_CANDLE, **prices, **rolling}


def alpha360_fields() -> dict[str, str]:
    """Name -> expression of the 360 features, in Qlib's order: 60 days of prices and volumes, the latest last."""
    expressions = {}
    for field in ("close", "open", "high", "low", "vwap", "volume"):
        latest = "($volume+1e-12)" if field == "volume" else "$close"
        for days in range(59, -1, -1):
            value = f"Ref(${field}, {days})" if days else f"${field}"
            expressions[f"{field.upper()}{days}"] = f"{value}/{latest}"
    return expressions
