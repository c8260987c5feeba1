sleep 4; echo spooled
