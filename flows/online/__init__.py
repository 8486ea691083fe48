"""Online serving: every trading day's data looked at, models trained when it is time, the day scored."""
