"""An account that follows a signal from day to day, by the rules of a backtest."""

from components.serving.portfolio.holdings import Holdings, Position, Trade
from components.serving.portfolio.portfolio import Portfolio
from components.serving.portfolio.targets import Target, Targets

__all__ = ["Holdings", "Portfolio", "Position", "Target", "Targets", "Trade"]
