[ $C2_ATTEMPT -gt 1 ] || sleep 1000; echo second
