"""The peer's half of `benchmarks.features`, run by an interpreter that has pyqlib and none of our code."""

import json
import resource
import sys
import time

import qlib
from qlib.contrib.data.handler import Alpha158

if __name__ == "__main__":
    data, period, kernels = sys.argv[1], json.loads(sys.argv[2]), json.loads(sys.argv[3])
    qlib.init(provider_uri=data, region="cn", logging_level=40, **({"kernels": kernels} if kernels else {}))
    start = time.perf_counter()
    handler = Alpha158(
        instruments="csi300",
        start_time=period[0],
        end_time=period[1],
        fit_start_time=period[0],
        fit_end_time=period[1],
    )
    seconds = time.perf_counter() - start
    rows, columns = handler.fetch().shape
    peak = sum(resource.getrusage(who).ru_maxrss for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN))
    print(json.dumps({"seconds": seconds, "peak_mb": peak / 1000, "rows": rows, "columns": columns}))
