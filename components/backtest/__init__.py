"""What a signal would have earned: top-k dropout on daily bars, with the rules of an exchange."""

from components.backtest.analysis import indicator_analysis, risk_analysis
from components.backtest.exchange import Exchange
from components.backtest.result import BacktestResult
from components.backtest.simulation import backtest
from components.backtest.strategy import TopkDropoutStrategy

__all__ = [
    "BacktestResult",
    "Exchange",
    "TopkDropoutStrategy",
    "backtest",
    "indicator_analysis",
    "risk_analysis",
]
